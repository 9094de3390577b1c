# ---- the engine, the run: what is to be done, and doing it; the same in every script ------------

# ---- what to do, in this order: nothing goes before what takes its place is there ----

$plan = @(
    foreach ($item in $keywordFindings) {
        $kind = @('SetKeyword', 'NewKeyword')[$item.Finding -eq 'Missing']
        @{
            Kind = $kind; Name = $item.Name; Keyword = $item.Wanted; Former = $item.Former
            Text = 'Set dynamic keyword: {0}' -f $item.Detail
            Finding = @('Updated', 'Created')[$kind -eq 'NewKeyword']
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Missing' })) {
        @{
            Kind = 'NewRule'; Name = $item.Name; Rule = $item.Wanted
            Text = 'Create firewall rule: {0}' -f $item.Detail; Finding = 'Created'
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -notin @('Missing', 'Stale') })) {
        # The addresses of a service tag change under the rule's name; the rest was edited by hand.
        $done = 'Restored'
        if ("$($item.Field)" -eq 'RemoteAddress') {
            $done = 'Updated'
        }
        elseif ($item.Finding -eq 'Disabled') {
            $done = 'Enabled'
        }
        @{
            Kind = 'SetRule'; Name = $item.Name; Rule = $item.Wanted; Former = $item.Former
            Field = $item.Field; Text = 'Set firewall rule: {0} {1}' -f $item.Finding, $item.Detail
            Finding = $done
        }
    }
    $common = @{ Key = $memoryKey; Live = $settings; Memory = $memory }
    foreach ($kind in @('Built-in *', 'Proxy', 'Outbound *')) {
        # Now that the way to the proxy is open, and before the former direct ways close.
        if ($kind -eq 'Proxy') {
            Get-ProxyChange -Finding @($proxyFindings | Where-Object { $_.Finding -ne 'Stale' })
            if ($Mode -eq 'Restore' -and $setsProxy) {
                Get-ProxyRestore -State $state -Backup $backup -OtherMemory $otherProxies
            }
            continue
        }
        $part = @{}
        foreach ($name in @($wantedSettings.Keys | Where-Object { $_ -like $kind })) {
            $part[$name] = $wantedSettings[$name]
        }
        Get-SettingChange -Wanted $part -Remembered $remembered @common
    }
    Get-ProxyChange -Finding @($proxyFindings | Where-Object { $_.Finding -eq 'Stale' })
    Get-SettingChange -Wanted $stale -Remembered @{} @common
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Stale' })) {
        @{
            Kind = 'RemoveRule'; Name = $item.Name; Former = $item.Former
            Text = 'Remove firewall rule'; Finding = 'Removed'
        }
    }
    $parameters = @{ Finding = $findings; EveryRule = $everyRule; Wanted = $wanted }
    foreach ($id in @(Get-UnusedKeyword @parameters)) {
        if ($liveKeywords.ContainsKey($id)) {
            $keyword = $liveKeywords[$id]
            @{
                Kind = 'RemoveKeyword'; Name = $keyword['Keyword']; Keyword = $keyword
                Text = 'Remove dynamic keyword'; Finding = 'Removed'
            }
        }
    }
)

if ($Mode -eq 'Backup') {
    $plan = @()
}

# ---- may it be done ----

if ($Mode -eq 'Apply') {
    $faults = @($settingFindings | Where-Object { $_.Finding -in @('Missing', 'Unsuitable') })
    if ($faults.Count -gt 0) {
        $texts = @($faults | ForEach-Object { '{0}: {1} {2}' -f $_.Name, $_.Finding, $_.Detail })
        $text = 'Nothing was changed: the policy counts on rules of Windows'' own. {0}'
        throw ($text -f ($texts -join '; '))
    }
}
$taken = @($plan | Where-Object { $_['Kind'] -eq 'NewRule' -and $_['Name'] -in $likeOurs })
if ($taken.Count -gt 0) {
    $text = 'Nothing was changed: rules that are not ours have these names: {0}.'
    throw ($text -f (@($taken | ForEach-Object { $_['Name'] }) -join ', '))
}
$parameters = @{
    Policy = $policy; Plan = $plan; Wanted = $wanted; Live = @($live.Values); Setting = $settings
    Store = $PolicyStore; AllowLockOut = [bool] $AllowLockOut
}
Assert-Reachable @parameters
$parameters = @{ Plan = $plan; Builtin = $builtinValues; Store = $PolicyStore }
Assert-Manageable @parameters -AllowLockOut ([bool] $AllowLockOut)
$internet = @($plan | Where-Object { $_['Layer'] -eq 'WinINet' -and $_['Kind'] -eq 'Proxy' })
if ($internet.Count -gt 0 -and
    $null -eq (Get-Command -Name 'Set-WinInetProxy' -ErrorAction SilentlyContinue)) {
    $text = 'the proxy settings of WinINet need the module WinInetProxy, which is missing. Get it'
    $text += ' with Save-Module on a computer that reaches the PowerShell Gallery and copy it to'
    $text += ' %ProgramFiles%\WindowsPowerShell\Modules'
    if ($Mode -eq 'Apply') {
        $text += ', or compile with proxy_settings = false.'
        throw ('Nothing was changed: {0}' -f $text)
    }
    Write-Warning -Message ('WinINet stays as it is: {0}, then run {1} again.' -f $text, $Mode)
    $plan = @($plan | Where-Object { "$($_['Subject'])" -ne 'Proxy of WinINet' })
}
if ($Mode -ne 'Restore' -and $backupFile -ne '' -and
    $PSCmdlet.ShouldProcess($backupFile, 'Write backup')) {
    # Of outbound actions those that are the policy's to set.
    foreach ($name in @(@($settings.Keys) -like 'Outbound *')) {
        $sets = $policy['Outbound'] -eq 'Block' -and ($name -split ' ')[1] -in $namesProfiles
        if (-not $sets -and -not $memory.ContainsKey($name)) {
            $settings.Remove($name)
        }
    }
    $parameters = @{ Policy = $policy; Store = $PolicyStore; State = $state; LastDay = $lastDays }
    Save-Backup @parameters -Path $backupFile
    [pscustomobject] @{ Name = $backupFile; Finding = 'Written'; Detail = '' }
}

# ---- doing it ----

$done = New-Object -TypeName 'System.Collections.Generic.List[object]'
$decided = @{}
$refused = $false
$saving = $false
$complete = $false
try {
    if (-not $isLocal -and $changes) {
        $parameters = @{ PolicyStore = $PolicyStore }
        if ($DomainController -ne '') {
            $parameters['DomainController'] = $DomainController
        }
        $store['Session'] = "$(Open-NetGPO @parameters -ErrorAction Stop)"
        Assert-SameVersion -Store $store -EveryRule $everyRule -Live $live
    }
    foreach ($change in $plan) {
        $name = $change['Name']
        $subject = $name
        if ($change.ContainsKey('Subject')) {
            $subject = $change['Subject']
        }
        # The guard has counted on every rule, and a new one may be in the place of an old one.
        $counts = $change['Kind'] -eq 'RemoveRule' -or
            ($name -like 'Outbound *' -and $wantedSettings[$name] -eq 'Block')
        if ($refused -and $counts -and -not $decided.ContainsKey($subject)) {
            Write-Warning -Message ('{0} is left alone: not every rule was wanted.' -f $name)
            $decided[$subject] = $false
        }
        if (-not $decided.ContainsKey($subject)) {
            $decided[$subject] = $PSCmdlet.ShouldProcess($subject, $change['Text'])
        }
        # A keyword stays if somebody wanted a rule to stay.
        $stays = $change['Kind'] -eq 'RemoveKeyword' -and $decided.Values -contains $false
        if ($stays -or -not $decided[$subject]) {
            $isRule = $change['Kind'] -match '^(New|Set)(Rule|Keyword)$'
            $refused = $refused -or ($isRule -and -not $WhatIfPreference)
            continue
        }
        $done.Add($change)
        try {
            Invoke-Change -Change $change -Store $store
        }
        catch {
            if ($change['Kind'] -eq 'NewRule' -and (Test-Taken -ErrorRecord $_)) {
                # Whoever made that rule keeps it.
                $done.Remove($change) | Out-Null
            }
            throw
        }
        if ("$($change['Finding'])" -ne '') {
            [pscustomobject] @{ Name = $subject; Finding = $change['Finding']; Detail = '' }
        }
    }
    if ($store['Session'] -ne '' -and @($done.ToArray()).Count -gt 0) {
        Save-StoreMemory -Store $store -Former $memory
        $saving = $true
        Save-NetGPO -GPOSession $store['Session'] -ErrorAction Stop
    }
    $complete = $true
}
finally {
    # Also when somebody presses Ctrl+C. Of a session nothing is in force before it is saved.
    if (-not $complete -and $isLocal) {
        Undo-All -Change $done.ToArray() -Store $store
    }
    elseif (-not $complete) {
        $text = 'Nothing of the session was saved: the object is as it was.'
        if ($saving) {
            $text = 'Saving failed: it is not known whether the object has changed. Run Verify.'
        }
        Write-Warning -Message $text -WarningAction Continue
    }
    if ($null -ne $store['Cim']) {
        Remove-CimSession -CimSession $store['Cim'] -Confirm:$false -WhatIf:$false
    }
    Exit-Run -Mutex $mutex
    $mutex = $null
}

if ($Mode -eq 'Apply' -and $isLocal -and -not $WhatIfPreference) {
    $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
    try {
        foreach ($item in @(Get-EnforcementFinding @parameters)) {
            $text = '{0}: not in force. {1}' -f $item.Name, $item.Detail
            Write-Warning -Message $text -WarningAction Continue
        }
    }
    catch {
        $text = 'All is done; whether it is in force is not known: {0}' -f $_
        Write-Warning -Message $text -WarningAction Continue
    }
}
